"""Reading files of contacts: pure, no database, no clock. Rows become records or rejections."""
