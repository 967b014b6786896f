"""Looking inside: traces of gates, influence, memory, the roommate and the pages that show them."""
