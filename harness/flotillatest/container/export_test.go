package container

// Command is what Run has the container run.
func Command() []string { return command }
