//! `sightline products`: lists, adds, exports and removes the products of inspection that the library keeps.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;
use sightline_core::Problem;
use sightline_core::anomaly::product::{ProductRow, Products as Shelf};

use super::output::Output;
use super::{Done, Global};

#[derive(Args)]
pub struct Products {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Every product that the library keeps
    List,
    /// Takes a product from its file
    Add {
        /// What `inspect --save-product` or `products export` wrote
        zip: PathBuf,
    },
    /// Writes a product as one file: all versions and the files of all parts
    Export {
        /// Its name
        name: String,
        /// The file
        zip: PathBuf,
    },
    /// Removes a product with its parts' copies; the audit log stays
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Serialize)]
struct Answer {
    products: Vec<ProductRow>,
    failed: Vec<Problem>,
}

impl Products {
    pub fn run(&self, global: &Global, output: &Output) -> Result<Done> {
        let shelf = Shelf::of_library(&global.library()?);
        let said = match self.action.as_ref().unwrap_or(&Action::List) {
            Action::List => None,
            Action::Add { zip } => Some(format!("added {}", shelf.import(zip)?.title())),
            Action::Export { name, zip } => Some(export(&shelf, name, zip)?),
            Action::Remove { name } => {
                shelf.remove(name)?;
                Some(format!("removed {name}"))
            }
        };
        let (products, failed) = shelf.list()?;
        let answer = Answer { products, failed };
        output.answer(&answer, || said.unwrap_or_else(|| table(&answer.products)))?;
        output.problems(&answer.failed);
        Ok(if answer.failed.is_empty() { Done::Cleanly } else { Done::WithProblems })
    }
}

fn export(shelf: &Shelf, name: &str, zip: &Path) -> Result<String> {
    let product = shelf.open(name)?;
    product.export(zip)?;
    Ok(format!("wrote {} to {}", product.title(), zip.display()))
}

fn table(rows: &[ProductRow]) -> String {
    if rows.is_empty() {
        return "the library keeps no product yet".into();
    }
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let line = |row: &ProductRow| {
        let ProductRow { name, version, references, ok, defects, method, .. } = row;
        let model = row.model.as_deref().unwrap_or("not calibrated");
        format!(
            "{name:width$}  version {version}  {references} references, {ok} ok, {defects} defects  {method}  {model}"
        )
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
