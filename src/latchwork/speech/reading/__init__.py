"""How people keep recordings and what is said in them: tables, text files, folders and names of files."""
