"""The steps of a refresh, in order: whose spans they are, whom they touch, what follows."""
