"""The proof: scenarios in which memory fails, and who is put against that (the host: proof/)."""
