//! New products, and names for what is written of them. Reads and writes files: for jobs only.

use std::path::{Path, PathBuf};

use sightline_core::anomaly::Settings;
use sightline_core::anomaly::product::{Product, Products, Role};
use sightline_core::engine::pictures_in;
use sightline_core::{Error, Result};

use super::translate::tr;

/// What folders of good parts are called: no product is called so.
const NO_NAMES: [&str; 10] = ["good", "ok", "normal", "train", "test", "references", "images", "gut", "io", "data"];

/// A new product of these good parts, called as the folder that they are in.
///
/// # Errors
/// No picture among them, one that cannot be read, a full disk; nothing is left behind then.
pub fn created(good: &[PathBuf], products: &Products) -> Result<Product> {
    let files = pictures_in(good)?;
    let Some(first) = files.first() else {
        return Err(Error::bad_request(
            tr("there is no picture in it"),
            tr("choose pictures of good parts, or a folder of them"),
        ));
    };
    let name = products.free_name(&name_of(first));
    let mut product = products.create(&name, Settings::default())?;
    let added = product.add(&files, Role::Normal, tr("the first good parts"));
    if let Err(error) = added {
        // That it cannot be removed either is not the error to report.
        products.remove(&name).ok();
        return Err(error);
    }
    Ok(product)
}

/// `name` with its ending in `folder`, or with a number after it if that is taken.
pub fn free(folder: &Path, name: &str, ending: &str) -> PathBuf {
    let first = folder.join(format!("{name}{ending}"));
    let numbered = (2..).map(|number| folder.join(format!("{name}-{number}{ending}")));
    std::iter::once(first.clone()).chain(numbered).find(|path| !path.exists()).unwrap_or(first)
}

/// A name as that of a file on any system.
pub fn file_name(name: &str) -> String {
    let letter = |letter: char| if letter.is_alphanumeric() || "-_ ".contains(letter) { letter } else { '-' };
    let name: String = name.chars().map(letter).take(60).collect();
    let name = name.trim().to_owned();
    if name.is_empty() { "product".to_owned() } else { name }
}

/// The nearest folder above a good part that says what it is.
fn name_of(file: &Path) -> String {
    let folders = file.parent().into_iter().flat_map(Path::ancestors).filter_map(Path::file_name);
    let names = folders.map(|name| name.to_string_lossy().into_owned()).take(4);
    let mut names = names.filter(|name| !NO_NAMES.contains(&name.to_lowercase().as_str()));
    names.next().unwrap_or_else(|| tr("Product").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_called_as_the_folder_that_says_what_it_is() {
        let names = ["/data/plates/train/good/1.png", "/home/anna/Left door/a.png", "/good/1.png"];
        assert_eq!(names.map(|file| name_of(Path::new(file))), ["plates", "Left door", "Product"]);
    }

    #[test]
    fn names_become_names_of_files() {
        assert_eq!(["a/b:c", "  ", "Deckel ü"].map(file_name), ["a-b-c", "product", "Deckel ü"]);
    }

    #[test]
    fn products_are_made_under_names_that_are_free() {
        let home = tempfile::tempdir().unwrap();
        let good = home.path().join("plates/good");
        fs_err::create_dir_all(&good).unwrap();
        fs_err::write(good.join("a.png"), "a").unwrap();
        let products = Products::of_library(&home.path().join("library"));
        let made = [(); 2].map(|()| created(std::slice::from_ref(&good), &products).unwrap());
        assert_eq!(
            made.map(|product| (product.name().to_owned(), product.version().number)),
            [("plates".to_owned(), 2), ("plates (2)".to_owned(), 2)]
        );
        let rows = products.list().unwrap().0;
        assert_eq!((rows[0].name.as_str(), rows[0].version, rows[0].references), ("plates", 2, 1));
        assert!(created(&[home.path().join("nothing")], &products).is_err());
        assert_eq!(products.list().unwrap().0.len(), 2, "nothing is left behind");
    }
}
