"""Opening what strangers made, in a process of its own that has nothing to lose (decision 21: strangers' files).

``opening`` starts it and takes what it hands back, ``inside`` is what runs there, ``walls`` shuts it in.
"""
