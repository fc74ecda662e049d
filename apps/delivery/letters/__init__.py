"""Letters that people wrote: whom they are from, and what came along."""
