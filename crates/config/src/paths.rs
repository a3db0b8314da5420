//! Relative paths in the file start at the folder of the file, wherever the program was started.

use std::path::Path;

use crate::tree::{Node, Value};

/// Keys besides `*_file` that hold a path.
const PATH_KEYS: [&str; 2] = ["data_dir", "file"];

/// Makes every relative path below `node` start at `folder`. The secrets in `*_file`s are read by those who use them,
/// each time they do, so that a changed password needs no restart.
pub(crate) fn make_absolute(node: &mut Node, folder: &Path) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| make_absolute(item, folder)),
        Value::Map(entries) => {
            for (key, value) in entries.iter_mut() {
                let is_path = key.text.ends_with("_file") || PATH_KEYS.contains(&key.text.as_str());
                match &mut value.value {
                    Value::Scalar(scalar) if is_path && !scalar.text.is_empty() => {
                        scalar.text = folder.join(&scalar.text).display().to_string();
                    }
                    _ => make_absolute(value, folder),
                }
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}
