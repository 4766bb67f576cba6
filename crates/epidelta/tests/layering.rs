//! Data flows one way: a module may use only modules that `lib.rs` declares
//! before it.

use std::{fs, path::Path};

fn rust_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn modules_use_only_earlier_modules() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let order: Vec<&str> = lib
        .lines()
        .map(|line| line.strip_prefix("pub ").unwrap_or(line))
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    assert!(order.len() > 5, "modules found: {order:?}");
    let rank = |module: &str| order.iter().position(|m| *m == module);

    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut checked = 0;
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let module = relative.components().next().unwrap().as_os_str();
        let module = Path::new(module).file_stem().unwrap().to_str().unwrap();
        let Some(here) = rank(module) else {
            assert_eq!(module, "lib", "{} is in no module", relative.display());
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        for part in text.split("crate::").skip(1) {
            // `use crate::{a, b::C}` names several modules.
            let names: Vec<&str> = match part.strip_prefix('{') {
                Some(list) => {
                    let mut depth = 0;
                    list.split_inclusive([',', '{', '}'])
                        .scan(true, |open, piece| {
                            let name = (depth == 0).then_some(piece);
                            depth += i32::from(piece.ends_with('{'));
                            depth -= i32::from(piece.ends_with('}'));
                            let keep = *open;
                            *open = depth >= 0;
                            keep.then_some(name)
                        })
                        .flatten()
                        .collect()
                }
                None => vec![part],
            };
            for name in names {
                let name = name.trim_start();
                let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                let name = &name[..end.unwrap_or(name.len())];
                if let Some(used) = rank(name) {
                    checked += 1;
                    assert!(used <= here, "{}: {module} uses {name}", relative.display());
                }
            }
        }
    }
    assert!(checked > 30, "only {checked} uses were found");
}
