"""Pages of campaigns: preparing (the wizard), running (decisions), reading (list, report, people)."""
