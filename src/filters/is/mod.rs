//! The tests (`is …`). A test, or a family of them, is one file with a `TESTS` table.

