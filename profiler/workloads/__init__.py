"""What is asked of a server: definitions, their loading, their prompts."""
