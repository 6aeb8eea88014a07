"""Is a payment well formed and allowed?"""
