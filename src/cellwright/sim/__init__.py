"""A plant that does not exist but behaves truly: physics, machines behind real servers, ground truth, score."""
