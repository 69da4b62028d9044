//! Comma-separated values as Python's `csv` reads them, in its `excel` dialect.

/// The rows; empty lines are none.
pub fn rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut cell = String::new();
    let mut started = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '"' && cell.is_empty() && !started {
            // Quoted: up to the next single quote; two stand for one.
            started = true;
            while let Some(c) = chars.next() {
                if c != '"' {
                    cell.push(c);
                } else if chars.next_if_eq(&'"').is_some() {
                    cell.push('"');
                } else {
                    break;
                }
            }
        } else if c == delimiter {
            row.push(std::mem::take(&mut cell));
            started = false;
        } else if matches!(c, '\n' | '\r') {
            if c == '\r' {
                chars.next_if_eq(&'\n');
            }
            if started || !cell.is_empty() || !row.is_empty() {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            started = false;
        } else {
            started = true;
            cell.push(c);
        }
    }
    if started || !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn quotes_keep_delimiters_and_newlines() {
        assert_eq!(
            rows("a,\"b,\"\"c\"\"\nd\",\r\n\nx,y,z", ','),
            [vec!["a", "b,\"c\"\nd", ""], vec!["x", "y", "z"]]
        );
    }
}
