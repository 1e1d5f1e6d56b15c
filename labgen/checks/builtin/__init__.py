"""The checks that labgen brings: one file a subject, parsers and judges pure, questions at the end."""
