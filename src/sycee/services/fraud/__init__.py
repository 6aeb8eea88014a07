"""How likely is a payment to be fraud, and why?"""
