"""What a forecast leaves for people and programs: results, pictures, the page, and what a saved file shows."""
