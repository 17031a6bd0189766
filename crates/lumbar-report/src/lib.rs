//! A run or a graded study as self-contained HTML, SVG and JSON
