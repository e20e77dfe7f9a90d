//! Where a model's files are. In: a folder, or files built into the program. Out: its JSON files, its weights, its
//! tokenizer and its identity. Must never know what a family makes of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::bytes::FileBytes;
use super::preprocess::{PREPROCESS_REVISION, Preprocessing};
use super::tokenizer::TextTokenizer;
use super::weights::{Weights, damaged};
use super::{Encoder, FAMILIES, ModelIdentity};
use crate::error::{Error, Result};

/// Weights in the layout of transformers, the best first.
pub(super) const HF_WEIGHTS: &[&str] = &["model.safetensors", SHARD_INDEX, "pytorch_model.bin"];
/// Weights in the layout of open_clip, the best first; OpenAI's own archives have names of their own (`ViT-B-32.pt`).
pub(super) const OPEN_CLIP_WEIGHTS: &[&str] =
    &["open_clip_model.safetensors", "open_clip_pytorch_model.bin", "*.pt", "model.safetensors", "pytorch_model.bin"];
/// A list of the files that hold the parts of one large model.
const SHARD_INDEX: &str = "model.safetensors.index.json";
/// What decides on the vectors beside the weights.
const DECIDING_FILES: &[&str] = &[
    "config.json",
    "open_clip_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
];
/// The largest configuration on the hub has some kilobytes.
const MAX_JSON: usize = 16 << 20;
const REMEDY: &str = "download the model again, with all its files";

/// The files of one model.
pub struct Checkpoint {
    id: String,
    files: Files,
}

enum Files {
    Folder(PathBuf),
    BuiltIn(&'static [(&'static str, &'static [u8])]),
}

/// Loads a model: the first family that recognises the files builds it.
///
/// # Errors
/// [`Error::UnknownCheckpoint`] if none does; else what the family finds missing or wrong.
pub fn load(checkpoint: &Checkpoint) -> Result<Box<dyn Encoder>> {
    checkpoint.must_be_readable()?;
    match FAMILIES.iter().find(|family| family.recognises(checkpoint)) {
        Some(family) => family.load(checkpoint),
        None => Err(checkpoint.unknown()),
    }
}

impl Checkpoint {
    /// A folder of the user's own; its name is the model's id.
    pub fn from_folder(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
        let id = whole.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
        Self { id, files: Files::Folder(path) }
    }

    /// A folder with a model that is known under `id`, as the hub's cache has.
    pub fn named(id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { id: id.into(), files: Files::Folder(path.into()) }
    }

    /// Files that are part of the program, by their names.
    pub fn built_in(id: impl Into<String>, files: &'static [(&'static str, &'static [u8])]) -> Self {
        Self { id: id.into(), files: Files::BuiltIn(files) }
    }

    /// The model's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The folder; for messages only if the files are built in.
    pub fn path(&self) -> PathBuf {
        match &self.files {
            Files::Folder(path) => path.clone(),
            Files::BuiltIn(_) => Path::new("built-in").join(&self.id),
        }
    }

    /// The path of one file, for messages.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Whether there is a file of this name.
    pub fn has(&self, name: &str) -> bool {
        match &self.files {
            Files::Folder(path) => path.join(name).is_file(),
            Files::BuiltIn(files) => files.iter().any(|(found, _)| *found == name),
        }
    }

    /// The bytes of a file; `None` if there is none of this name.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn bytes(&self, name: &str) -> Result<Option<FileBytes>> {
        match &self.files {
            Files::Folder(path) => FileBytes::open(&path.join(name)),
            Files::BuiltIn(files) => {
                Ok(files.iter().find(|(found, _)| *found == name).map(|(_, bytes)| FileBytes::BuiltIn(bytes)))
            }
        }
    }

    /// The bytes of a file that the model cannot do without.
    ///
    /// # Errors
    /// Names the file.
    pub(super) fn needed(&self, name: &str) -> Result<FileBytes> {
        self.bytes(name)?.ok_or_else(|| self.lacks(name))
    }

    /// A JSON file; `None` if there is none of this name.
    ///
    /// # Errors
    /// Names the file, and what in it is malformed.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(bytes) = self.bytes(name)? else { return Ok(None) };
        if bytes.len() > MAX_JSON {
            return Err(Error::bad_file(&self.file(name), "this is far too long for a configuration", REMEDY));
        }
        let malformed = |error| Error::bad_file(&self.file(name), format!("the file cannot be read ({error})"), REMEDY);
        serde_json::from_slice(&bytes).map(Some).map_err(malformed)
    }

    /// A JSON file that the model cannot do without.
    ///
    /// # Errors
    /// Names the file.
    pub fn needed_json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.json(name)?.ok_or_else(|| self.lacks(name))
    }

    /// `model_type` of config.json, by which transformers' families are told apart.
    pub(super) fn model_type(&self) -> Option<String> {
        let config: Value = self.json("config.json").ok()??;
        Some(config.get("model_type")?.as_str()?.to_owned())
    }

    /// transformers' preprocessor_config.json.
    ///
    /// # Errors
    /// A file or a key that is missing.
    pub(super) fn hf_preprocessing(&self) -> Result<Preprocessing> {
        let name = "preprocessor_config.json";
        Preprocessing::from_hf(&self.needed_json(name)?, &self.file(name))
    }

    /// tokenizer.json, for a text tower that takes `context` ids.
    ///
    /// # Errors
    /// A missing or malformed file.
    pub(super) fn tokenizer(&self, context: usize) -> Result<TextTokenizer> {
        let name = "tokenizer.json";
        TextTokenizer::from_json(&self.needed(name)?, context, &self.file(name))
    }

    /// The first of these weights that is there; `*.pt` stands for the first file of that ending.
    ///
    /// # Errors
    /// No such file, or one whose header lies.
    pub(super) fn weights(&self, names: &[&str]) -> Result<Weights> {
        let found = names.iter().find_map(|name| self.matching(name));
        let name = found.ok_or_else(|| self.lacks(names.first().unwrap_or(&"weights")))?;
        let files = if name == SHARD_INDEX { self.shards()? } else { vec![name.clone()] };
        let read = |file: String| Ok((self.file(&file), self.needed(&file)?));
        Weights::read(&self.file(&name), files.into_iter().map(read).collect::<Result<_>>()?)
    }

    /// Whether one of these weights is there.
    pub(super) fn has_weights(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.matching(name).is_some())
    }

    /// The id and a digest of everything that decides on the vectors.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn identity(&self, weights: &Weights) -> Result<ModelIdentity> {
        let mut digest = blake3::Hasher::new();
        digest.update(&PREPROCESS_REVISION.to_le_bytes());
        for name in DECIDING_FILES {
            if let Some(bytes) = self.bytes(name)? {
                digest.update(name.as_bytes()).update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
            }
        }
        for bytes in weights.files() {
            digest.update(&(bytes.len() as u64).to_le_bytes()).update_rayon(bytes);
        }
        let digest = digest.finalize().to_hex()[..16].to_owned();
        Ok(ModelIdentity { id: self.id.clone(), digest })
    }

    fn matching(&self, name: &str) -> Option<String> {
        let Some(ending) = name.strip_prefix('*') else { return self.has(name).then(|| name.to_owned()) };
        let Files::Folder(path) = &self.files else { return None };
        let names = fs_err::read_dir(path).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter(|name| name.ends_with(ending)).min()
    }

    /// The files that the index names. They lie beside it: a name that leads elsewhere is refused.
    fn shards(&self) -> Result<Vec<String>> {
        let index: Value = self.needed_json(SHARD_INDEX)?;
        let wrong = |what: &str| damaged(&self.file(SHARD_INDEX), what);
        let map =
            index.get("weight_map").and_then(Value::as_object).ok_or_else(|| wrong("there is no \"weight_map\""))?;
        let files: BTreeSet<&str> = map.values().filter_map(Value::as_str).collect();
        let is_beside = |name: &&str| Path::new(name).file_name().is_some_and(|file| file == *name);
        if files.is_empty() || !files.iter().all(is_beside) {
            return Err(wrong("it names files that cannot be"));
        }
        Ok(files.into_iter().map(str::to_owned).collect())
    }

    fn must_be_readable(&self) -> Result<()> {
        if let Files::Folder(path) = &self.files
            && !path.is_dir()
        {
            return Err(Error::UnknownCheckpoint { reason: "there is no such folder".into(), path: path.clone() });
        }
        for name in ["config.json", "open_clip_config.json"] {
            self.json::<Value>(name)?;
        }
        Ok(())
    }

    fn unknown(&self) -> Error {
        let reason = match self.model_type() {
            Some(kind) => format!("its config.json says {kind:?}, which is of no family that can be used"),
            None if self.has("config.json") => "its config.json names no model_type that can be used".into(),
            None => "there is no config.json and no open_clip_config.json".into(),
        };
        Error::UnknownCheckpoint { reason, path: self.path() }
    }

    fn lacks(&self, name: &str) -> Error {
        Error::bad_file(&self.path(), format!("the model lacks {name}"), REMEDY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(files: &[(&str, &str)], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs_err::write(folder.path().join(name), content).unwrap();
        }
        let message = load(&Checkpoint::from_folder(folder.path())).err().unwrap().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains(&*folder.path().to_string_lossy()), "{message}");
    }

    #[test]
    fn a_folder_that_holds_no_model_says_what_was_looked_for() {
        check_refused(&[], "no config.json and no open_clip_config.json");
        check_refused(&[("config.json", "{}")], "names no model_type");
        check_refused(&[("config.json", r#"{"model_type": "whale"}"#)], "whale");
    }

    #[test]
    fn a_malformed_configuration_is_named() {
        check_refused(&[("config.json", "{")], "config.json");
        check_refused(&[("config.json", "\u{0}\u{1}garbage")], "config.json");
        check_refused(&[("open_clip_config.json", "[")], "open_clip_config.json");
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_so() {
        let message = load(&Checkpoint::from_folder("/no/such/folder")).err().unwrap().to_string();
        assert!(message.contains("no such folder") && message.contains("/no/such/folder"), "{message}");
    }

    #[test]
    fn an_index_that_leads_out_of_the_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join(SHARD_INDEX), r#"{"weight_map": {"a": "../a.safetensors"}}"#).unwrap();
        let message = Checkpoint::from_folder(folder.path()).weights(HF_WEIGHTS).err().unwrap().to_string();
        assert!(message.contains("cannot be"), "{message}");
    }
}
