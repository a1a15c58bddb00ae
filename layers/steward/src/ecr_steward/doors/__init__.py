"""The two doors: is it ours, and is there anything to look at?"""
