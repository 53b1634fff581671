"""What is served: model facts, synthetic models, finding a model."""
