//! What the documents point at is there.

use std::fs;
use std::path::Path;

const DOCUMENTS: [&str; 6] = [
    "README.md",
    "freeradius/README.md",
    "ARCHITECTURE.md",
    "docs/operations.md",
    "docs/requirements.md",
    "host-test/FIDELITY.md",
];

#[test]
fn every_relative_link_leads_to_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut broken = Vec::new();
    let mut links = 0;
    for document in DOCUMENTS {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let folder = Path::new(document).parent().unwrap();
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            links += 1;
            if !root.join(folder).join(target).exists() {
                broken.push(format!("{document}: {target}"));
            }
        }
    }
    assert!(links > 0, "no link was found: is the search right?");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_folder_of_the_layout_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, layout) = text.split_once("```\nplugin/").unwrap();
    let (layout, _) = layout.split_once("```").unwrap();
    let layout = format!("plugin/{layout}");
    let mut top = "";
    let mut folders = 0;
    for line in layout.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        if !name.ends_with('/') {
            continue;
        }
        let folder = if line.starts_with(' ') {
            root.join(top).join(name)
        } else {
            top = name;
            root.join(name)
        };
        folders += 1;
        assert!(folder.is_dir(), "{name} of the layout is not there");
    }
    assert!(folders > 5, "the layout was not found");
}
