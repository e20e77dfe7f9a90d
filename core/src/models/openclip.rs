//! CLIP in the layouts of open_clip and OpenAI (`open_clip_config.json`), also with a ModifiedResNet or timm's ViT. In: a
//! checkpoint. Out: its encoder. Must never pass over a setting that it does not know: it might change the numbers.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::checkpoint::OPEN_CLIP_WEIGHTS;
use super::clip::{whole_patches, wrong_config};
use super::modified_resnet::{ModifiedResNet, ResNetConfig};
use super::names;
use super::ops::Activation;
use super::position::Resampling;
use super::preprocess::Preprocessing;
use super::text_tower::{CausalText, Pooling, TextConfig};
use super::timm::{self, Guess};
use super::tokenizer::TextTokenizer;
use super::towers::{ImageTower, Towers, with_vocabulary};
use super::transformer::{MlpKind, Size};
use super::vit::{Vit, VitConfig};
use super::weights::Weights;
use super::{Checkpoint, Encoder, Family};
use crate::error::Result;

/// open_clip's CLIP and CustomTextCLIP.
pub(super) struct OpenClip;

const FILE: &str = "open_clip_config.json";
/// open_clip's LayerNorm is torch's.
const EPSILON: f64 = 1e-5;
/// Settings that change training or what is returned, but no embedding.
const HARMLESS: &[&str] = &[
    "patch_dropout",
    "output_tokens",
    "attn_pooler_queries",
    "attn_pooler_heads",
    "timm_model_pretrained",
    "timm_drop",
    "timm_drop_path",
    "eos_id",
    "hf_model_pretrained",
    "tokenizer_kwargs",
];
/// OpenAI's tokenizer, which open_clip itself takes where a checkpoint brings none.
const CLIP_TOKENIZER: &[u8] = include_bytes!("../../../assets/tokenizers/clip/tokenizer.json");

impl Family for OpenClip {
    fn name(&self) -> &'static str {
        "openclip"
    }

    fn recognises(&self, checkpoint: &Checkpoint) -> bool {
        let Ok(Some(config)) = checkpoint.json::<Value>(FILE) else { return false };
        let trunk = config.pointer("/model_cfg/vision_cfg/timm_model_name").and_then(Value::as_str);
        trunk.is_none_or(|name| name.starts_with("vit_"))
    }

    fn load(&self, checkpoint: &Checkpoint) -> Result<Box<dyn Encoder>> {
        let config: Config = checkpoint.needed_json(FILE)?;
        let weights = checkpoint.weights(OPEN_CLIP_WEIGHTS)?;
        let identity = checkpoint.identity(&weights)?;
        let model = &config.model_cfg;
        let keeps = |name: &str| matches!(model.vision_cfg.layers, Layers::Stages(_)) && name.starts_with("visual.");
        let weights = weights.renamed(|name| if keeps(name) { name.to_owned() } else { names::open_clip(name) })?;
        let towers = || -> Result<_> {
            let image = model.image(checkpoint, &weights)?;
            Ok((image, CausalText::load(model.text(checkpoint)?, &weights.at("text"))?))
        };
        let ((image, text), tokenizer) = with_vocabulary(towers, || model.text_cfg.tokenizer(checkpoint))?;
        weights.finish()?;
        let size = model.vision_cfg.image_size as u32;
        let preprocessing =
            Preprocessing::from_open_clip(&config.preprocess_cfg, (size, size), &checkpoint.file(FILE))?;
        Ok(Box::new(Towers { identity, preprocessing, image, text: Some((tokenizer, Box::new(text))) }))
    }
}

/// open_clip_config.json; the defaults are those of open_clip's CLIPVisionCfg and CLIPTextCfg.
#[derive(Deserialize)]
struct Config {
    model_cfg: Model,
    preprocess_cfg: Value,
}

#[derive(Deserialize)]
struct Model {
    embed_dim: usize,
    #[serde(default)]
    quick_gelu: bool,
    vision_cfg: Vision,
    text_cfg: Text,
}

/// How deep the image tower is: blocks of a transformer, or of each stage of a ModifiedResNet.
#[derive(Deserialize)]
#[serde(untagged)]
enum Layers {
    Blocks(usize),
    Stages([usize; 4]),
}

#[derive(Deserialize)]
#[serde(default)]
struct Vision {
    layers: Layers,
    width: usize,
    head_width: usize,
    mlp_ratio: f64,
    /// None, or nothing of use, for a ModifiedResNet.
    patch_size: Option<usize>,
    image_size: usize,
    ls_init_value: Option<f64>,
    no_ln_pre: bool,
    pool_type: String,
    pos_embed_type: String,
    timm_model_name: Option<String>,
    timm_pool: String,
    timm_proj: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Default for Vision {
    fn default() -> Self {
        Self {
            layers: Layers::Blocks(12),
            width: 768,
            head_width: 64,
            mlp_ratio: 4.0,
            patch_size: Some(16),
            image_size: 224,
            ls_init_value: None,
            no_ln_pre: false,
            pool_type: "tok".into(),
            pos_embed_type: "learnable".into(),
            timm_model_name: None,
            timm_pool: "avg".into(),
            timm_proj: "linear".into(),
            others: Map::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct Text {
    context_length: usize,
    vocab_size: usize,
    width: usize,
    heads: usize,
    layers: usize,
    mlp_ratio: f64,
    ls_init_value: Option<f64>,
    no_causal_mask: bool,
    pad_id: u32,
    pool_type: String,
    proj_type: String,
    hf_tokenizer_name: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            context_length: 77,
            vocab_size: 49408,
            width: 512,
            heads: 8,
            layers: 12,
            mlp_ratio: 4.0,
            ls_init_value: None,
            no_causal_mask: false,
            pad_id: 0,
            pool_type: "argmax".into(),
            proj_type: "linear".into(),
            hf_tokenizer_name: None,
            others: Map::new(),
        }
    }
}

impl Model {
    fn mlp(&self) -> MlpKind {
        MlpKind::Plain(if self.quick_gelu { Activation::QuickGelu } else { Activation::Gelu })
    }

    fn image(&self, checkpoint: &Checkpoint, weights: &Weights) -> Result<Box<dyn ImageTower>> {
        let vision = &self.vision_cfg;
        known(checkpoint, &vision.others)?;
        let scope = weights.at("visual");
        Ok(match (&vision.timm_model_name, &vision.layers) {
            (Some(name), _) => Box::new(Vit::load(self.timm_image(checkpoint, name, weights)?, &scope)?),
            (None, Layers::Blocks(depth)) => Box::new(Vit::load(self.vit(checkpoint, *depth)?, &scope)?),
            (None, Layers::Stages(blocks)) => {
                Box::new(ModifiedResNet::load(self.resnet(checkpoint, *blocks)?, &scope)?)
            }
        })
    }

    fn resnet(&self, checkpoint: &Checkpoint, blocks: [usize; 4]) -> Result<ResNetConfig> {
        let vision = &self.vision_cfg;
        // open_clip's model.py: the channels of the last stage, in heads of `head_width`.
        let channels = vision.width.checked_mul(32).unwrap_or_default();
        let heads = channels.checked_div(vision.head_width).unwrap_or_default();
        whole_patches(checkpoint, vision.image_size, 32)?;
        let is_possible = vision.width.is_multiple_of(2) && heads > 0 && channels.is_multiple_of(heads);
        if !is_possible || !vision.image_size.is_multiple_of(32) || blocks.contains(&0) {
            let what = format!(
                "there is no tower of width {}, heads of {}, {blocks:?} blocks and {} pixels",
                vision.width, vision.head_width, vision.image_size
            );
            return Err(wrong_config(checkpoint, FILE, what));
        }
        Ok(ResNetConfig { width: vision.width, blocks, heads, image_size: vision.image_size, dim: self.embed_dim })
    }

    fn vit(&self, checkpoint: &Checkpoint, depth: usize) -> Result<VitConfig> {
        let vision = &self.vision_cfg;
        one_of(checkpoint, "pool_type", &vision.pool_type, &["tok"])?;
        one_of(checkpoint, "pos_embed_type", &vision.pos_embed_type, &["learnable"])?;
        let size = Size {
            width: vision.width,
            depth,
            heads: vision.width / vision.head_width.max(1),
            inner: (vision.width as f64 * vision.mlp_ratio) as usize,
            mlp: self.mlp(),
            epsilon: EPSILON,
            has_layer_scale: vision.ls_init_value.is_some(),
            has_qkv_bias: true,
            is_causal: false,
        };
        let patch = vision.patch_size.unwrap_or_default();
        let side = whole_patches(checkpoint, vision.image_size, patch)?;
        Ok(VitConfig {
            size,
            patch,
            grid: (side, side),
            has_patch_bias: false,
            registers: 0,
            has_class_position: true,
            has_ln_pre: !vision.no_ln_pre,
            projection: Some(self.embed_dim),
            resampling: Resampling::Plain,
            normalises_patches: false,
        })
    }

    /// A tower of timm: its name tells what its tensors do not.
    fn timm_image(&self, checkpoint: &Checkpoint, name: &str, weights: &Weights) -> Result<VitConfig> {
        one_of(checkpoint, "timm_pool", &self.vision_cfg.timm_pool, &["token"])?;
        one_of(checkpoint, "timm_proj", &self.vision_cfg.timm_proj, &["linear", "", "none"])?;
        // vision_transformer.py of timm: heads of 64 in these four sizes only.
        let size = name.split('_').nth(1).unwrap_or_default();
        one_of(checkpoint, "timm_model_name", size, &["tiny", "small", "base", "large"])?;
        // Towers that were taught as CLIP's have torch's epsilon, timm's own 1e-6.
        let epsilon = if name.contains("_clip_") { EPSILON } else { 1e-6 };
        let projection = (self.vision_cfg.timm_proj == "linear").then_some(self.embed_dim);
        let guess = Guess { heads: None, head_width: 64, epsilon, projection, normalises_patches: false };
        let mut image = timm::vit_config(weights, guess)?;
        if name.contains("quickgelu") {
            image.size.mlp = MlpKind::Plain(Activation::QuickGelu);
        }
        Ok(image)
    }

    fn text(&self, checkpoint: &Checkpoint) -> Result<TextConfig> {
        let text = &self.text_cfg;
        known(checkpoint, &text.others)?;
        one_of(checkpoint, "pool_type", &text.pool_type, &["argmax"])?;
        one_of(checkpoint, "proj_type", &text.proj_type, &["linear"])?;
        let size = Size {
            width: text.width,
            depth: text.layers,
            heads: text.heads,
            inner: (text.width as f64 * text.mlp_ratio) as usize,
            mlp: self.mlp(),
            epsilon: EPSILON,
            has_layer_scale: text.ls_init_value.is_some(),
            has_qkv_bias: true,
            is_causal: !text.no_causal_mask,
        };
        let (vocabulary, context) = (text.vocab_size, text.context_length);
        Ok(TextConfig { size, vocabulary, context, dim: self.embed_dim, pooling: Pooling::LargestId })
    }
}

/// OpenAI's tokenizer, for a checkpoint of its vocabulary that brings no tokenizer.json.
pub(super) fn clip_tokenizer(checkpoint: &Checkpoint, context: usize) -> Result<TextTokenizer> {
    TextTokenizer::from_json(CLIP_TOKENIZER, context, &checkpoint.file("tokenizer.json"))
}

impl Text {
    fn tokenizer(&self, checkpoint: &Checkpoint) -> Result<TextTokenizer> {
        let tokenizer = if checkpoint.has("tokenizer.json") {
            checkpoint.tokenizer(self.context_length)?
        } else if let Some(name) = &self.hf_tokenizer_name {
            let what = format!("the model lacks tokenizer.json, which is that of {name:?}");
            return Err(wrong_config(checkpoint, FILE, what));
        } else {
            clip_tokenizer(checkpoint, self.context_length)?
        };
        // Without the mask every token sees the padding, so it must be as it was in training.
        Ok(if self.no_causal_mask { tokenizer.padded(self.pad_id) } else { tokenizer })
    }
}

/// That no setting is switched on which is not known here.
fn known(checkpoint: &Checkpoint, others: &Map<String, Value>) -> Result<()> {
    let is_off = |value: &Value| matches!(value, Value::Null | Value::Bool(false));
    match others.iter().find(|(key, value)| !is_off(value) && !HARMLESS.contains(&key.as_str())) {
        Some((key, value)) => Err(wrong_config(checkpoint, FILE, format!("the setting {key:?}: {value} is unknown"))),
        None => Ok(()),
    }
}

fn one_of(checkpoint: &Checkpoint, key: &str, found: &str, expected: &[&str]) -> Result<()> {
    if expected.contains(&found) {
        return Ok(());
    }
    Err(wrong_config(checkpoint, FILE, format!("the setting {key:?}: {found:?} is unknown")))
}
