"""Verdicts: may a run be believed?"""
