"""Figures from facts: functions of the tables of facts and a selection; the definitions are the project's."""
