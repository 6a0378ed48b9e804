//! The streaming secret scanner.
