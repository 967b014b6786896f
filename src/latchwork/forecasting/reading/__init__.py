"""Any table into a panel: files, frames and arrays, the columns found, dates and numbers as people write them."""
