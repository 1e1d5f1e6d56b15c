"""The operating system's services that all packages use: files, locks, programs, threads."""
