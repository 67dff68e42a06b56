"""How two organisations are joined: asking, deciding, holding, changing and ending it; links, levels and ceilings."""
