"""Write the results of other verbs as one page that people look at."""
