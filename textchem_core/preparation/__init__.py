"""From what people have to rows of the five tasks: reading, normalising, splitting, counting."""
