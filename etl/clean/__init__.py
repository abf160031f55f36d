"""What is wrong with rows that can be read: rules that flag them, so that nothing is dropped silently and nothing misleads the learning."""
