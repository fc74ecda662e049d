"""The ground that every kind of condition stands on: nodes, reading, calendar, keyed values, SQL, words, controls."""
