//! Columns that line up.

/// Rows under a head, each column as wide as its widest word; the last one is not padded.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).chain([head[column].chars().count()]).max().unwrap_or(0)
    });
    let mut lines = vec![line(&head, &widths)];
    lines.extend(rows.iter().map(|row| line(&row.each_ref().map(String::as_str), &widths)));
    lines.join("\n")
}

fn line<const N: usize>(row: &[&str; N], widths: &[usize; N]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up_and_no_line_ends_in_blanks() {
        let rows = [["api".to_owned(), "running".to_owned()], ["a longer name".to_owned(), String::new()]];
        assert_eq!(super::table(["NAME", "STATE"], &rows), "NAME           STATE\napi            running\na longer name");
    }
}
