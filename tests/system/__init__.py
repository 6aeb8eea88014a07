"""Stories in business words, told to every topology through the public doors."""
