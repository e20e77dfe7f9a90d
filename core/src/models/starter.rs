//! The model that is part of the program. In: nothing. Out: its checkpoint.

use super::Checkpoint;

/// The built-in model's id.
pub const STARTER: &str = "starter";

/// The built-in model: there without any download. Its bytes stay where the program was loaded.
pub fn starter() -> Checkpoint {
    Checkpoint::built_in(STARTER, FILES)
}

const FILES: &[(&str, &[u8])] = &[
    ("open_clip_config.json", include_bytes!("../../../assets/starter/open_clip_config.json")),
    ("tokenizer.json", include_bytes!("../../../assets/starter/tokenizer.json")),
    ("open_clip_model.safetensors", include_bytes!("../../../assets/starter/open_clip_model.safetensors")),
];
