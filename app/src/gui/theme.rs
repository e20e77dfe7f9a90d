//! All colours, sizes and fonts of the window. In: which theme is shown. Out: egui styles and the tokens behind them.
//! No other file names a colour or a size of the type scale.

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::style::{ScrollStyle, Selection, WidgetVisuals, Widgets};
use egui::{Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, FontTweak, Margin, Stroke};
use egui::{Shadow, Style, TextStyle, Theme, Visuals, vec2};

/// The colours of one theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// Behind the photos.
    pub background: Color32,
    /// Sidebar, bars.
    pub panel: Color32,
    /// Buttons, fields.
    pub raised: Color32,
    /// A raised thing under the pointer.
    pub hovered: Color32,
    /// Between panels, around fields.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Secondary text.
    pub muted: Color32,
    /// Decoration and hints; too faint for text that must be read.
    pub faint: Color32,
    /// The one accent.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Behind what is chosen.
    pub accent_soft: Color32,
    /// A strong match, a finished job.
    pub pass: Color32,
    /// A likely match, problems.
    pub review: Color32,
    /// Errors.
    pub fail: Color32,
}

/// The dark theme.
pub const DARK: Tokens = Tokens {
    background: Color32::from_rgb(0x16, 0x18, 0x1d),
    panel: Color32::from_rgb(0x1c, 0x1f, 0x26),
    raised: Color32::from_rgb(0x25, 0x29, 0x32),
    hovered: Color32::from_rgb(0x2e, 0x33, 0x3d),
    line: Color32::from_rgb(0x2e, 0x33, 0x3d),
    text: Color32::from_rgb(0xe6, 0xe8, 0xec),
    muted: Color32::from_rgb(0x9a, 0xa2, 0xb1),
    faint: Color32::from_rgb(0x6b, 0x73, 0x83),
    accent: Color32::from_rgb(0x5b, 0x9d, 0xff),
    on_accent: Color32::from_rgb(0x0c, 0x16, 0x29),
    accent_soft: Color32::from_rgb(0x21, 0x40, 0x6e),
    pass: Color32::from_rgb(0x46, 0xb0, 0x7b),
    review: Color32::from_rgb(0xd9, 0xa1, 0x3b),
    fail: Color32::from_rgb(0xe0, 0x60, 0x5e),
};

/// The light theme.
pub const LIGHT: Tokens = Tokens {
    background: Color32::from_rgb(0xf4, 0xf5, 0xf7),
    panel: Color32::from_rgb(0xff, 0xff, 0xff),
    raised: Color32::from_rgb(0xee, 0xf0, 0xf3),
    hovered: Color32::from_rgb(0xe3, 0xe6, 0xeb),
    line: Color32::from_rgb(0xdd, 0xe1, 0xe7),
    text: Color32::from_rgb(0x1b, 0x1f, 0x27),
    muted: Color32::from_rgb(0x5b, 0x64, 0x73),
    faint: Color32::from_rgb(0x8a, 0x93, 0xa3),
    accent: Color32::from_rgb(0x2f, 0x6f, 0xe0),
    on_accent: Color32::WHITE,
    accent_soft: Color32::from_rgb(0xd9, 0xe6, 0xfd),
    pass: Color32::from_rgb(0x2b, 0x8a, 0x5c),
    review: Color32::from_rgb(0xa8, 0x74, 0x1a),
    fail: Color32::from_rgb(0xc4, 0x3c, 0x3a),
};

/// Behind a score on a photo, and the text on it: the same in both themes, for photos are.
pub const BADGE: Color32 = Color32::from_rgba_premultiplied(9, 10, 12, 190);
/// Text on [`BADGE`].
pub const ON_BADGE: Color32 = Color32::from_rgb(0xf2, 0xf4, 0xf7);

/// Red, green and blue in a histogram.
pub const CHANNELS: [Color32; 3] =
    [Color32::from_rgb(224, 84, 80), Color32::from_rgb(70, 176, 110), Color32::from_rgb(84, 140, 240)];

/// Outlines of regions on a part: a colour that no colour table of the map has.
pub const REGION: Color32 = Color32::from_rgb(64, 224, 255);

/// Distances in points.
pub mod space {
    /// Between things that belong together.
    pub const XS: f32 = 4.0;
    /// Between photos, inside buttons.
    pub const S: f32 = 6.0;
    /// Between groups.
    pub const M: f32 = 10.0;
    /// At the edge of a panel.
    pub const L: f32 = 14.0;
}

/// Rounding of corners in points.
pub mod radius {
    /// Badges, photos.
    pub const S: u8 = 4;
    /// Buttons, fields.
    pub const M: u8 = 6;
    /// Cards.
    pub const L: u8 = 9;
}

/// Sizes of what is not text.
pub mod size {
    /// The sidebar's width.
    pub const SIDEBAR: f32 = 232.0;
    /// The details' width.
    pub const DETAILS: f32 = 300.0;
    /// A window narrower than this hides the sidebar.
    pub const HIDES_SIDEBAR: f32 = 760.0;
    /// A window narrower than this hides the details.
    pub const HIDES_DETAILS: f32 = 1080.0;
    /// The search bar's height.
    pub const SEARCH_BAR: f32 = 52.0;
    /// The status bar's height.
    pub const STATUS_BAR: f32 = 28.0;
    /// The height of a button or a field.
    pub const CONTROL: f32 = 28.0;
    /// The height that rows of photos aim at.
    pub const ROW: f32 = 150.0;
    /// The height of a heading between photos.
    pub const HEADING: f32 = 30.0;
    /// How wide a sentence on an empty page is.
    pub const SENTENCE: f32 = 460.0;
    /// How wide a list of cards is at most: beyond it, what is on the right no longer seems to belong to the left.
    pub const COLUMN: f32 = 1100.0;
    /// The smallest and the largest side of a photo that is a point on the map.
    pub const POINT: (f32, f32) = (3.2, 8.0);
    /// A progress bar's width and height.
    pub const PROGRESS: (f32, f32) = (150.0, 4.0);
}

/// The tokens of the theme that `ui` is drawn in.
pub fn tokens(ui: &egui::Ui) -> &'static Tokens {
    of(ui.visuals().dark_mode)
}

/// The tokens of one theme.
pub fn of(is_dark: bool) -> &'static Tokens {
    if is_dark { &DARK } else { &LIGHT }
}

/// The type scale: 11, 12, 13 and 14 points, and two larger sizes for empty pages.
pub mod font {
    use super::{FontFamily, FontId};

    /// Captions, counts: 11.
    pub fn caption() -> FontId {
        FontId::proportional(11.0)
    }

    /// Secondary text: 12.
    pub fn small() -> FontId {
        FontId::proportional(12.0)
    }

    /// Text: 13.
    pub fn body() -> FontId {
        FontId::proportional(13.0)
    }

    /// What is typed into the search bar: 14.
    pub fn field() -> FontId {
        FontId::proportional(14.0)
    }

    /// Names of groups: 11, semibold.
    pub fn group() -> FontId {
        FontId::new(11.0, FontFamily::Name("semibold".into()))
    }

    /// Headings between photos: 12, semibold.
    pub fn heading() -> FontId {
        FontId::new(12.0, FontFamily::Name("semibold".into()))
    }

    /// What a panel is about: 14, semibold.
    pub fn title() -> FontId {
        FontId::new(14.0, FontFamily::Name("semibold".into()))
    }

    /// The heading of an empty page: 20, semibold.
    pub fn page() -> FontId {
        FontId::new(20.0, FontFamily::Name("semibold".into()))
    }

    /// Buttons: 13, medium.
    pub fn button() -> FontId {
        FontId::new(13.0, FontFamily::Name("medium".into()))
    }

    /// An icon in a line of text.
    pub fn icon() -> FontId {
        FontId::proportional(16.0)
    }

    /// The icon of an empty page.
    pub fn large_icon() -> FontId {
        FontId::proportional(44.0)
    }
}

/// Gives `ctx` the fonts and the styles of both themes.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.set_style_of(Theme::Dark, style(&DARK, Visuals::dark()));
    ctx.set_style_of(Theme::Light, style(&LIGHT, Visuals::light()));
}

/// Whether lists glide and buttons fade, or everything is at once where it will be.
///
/// [`moves`] says which it is.
pub fn set_motion(ctx: &egui::Context, moves: bool) {
    let usual = Style::default();
    let (time, scroll) = match moves {
        true => (usual.animation_time, usual.scroll_animation),
        false => (0.0, egui::style::ScrollAnimation::none()),
    };
    if ctx.global_style().animation_time != time {
        ctx.all_styles_mut(|style| (style.animation_time, style.scroll_animation) = (time, scroll));
    }
}

/// Whether things may move by themselves.
pub fn moves(ui: &egui::Ui) -> bool {
    ui.style().animation_time > 0.0
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, bytes: &'static [u8], tweak: FontTweak| {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes).tweak(tweak)));
    };
    add("inter", include_bytes!("../../../assets/fonts/Inter-Regular.otf"), FontTweak::default());
    add("inter-medium", include_bytes!("../../../assets/fonts/Inter-Medium.otf"), FontTweak::default());
    add("inter-semibold", include_bytes!("../../../assets/fonts/Inter-SemiBold.otf"), FontTweak::default());
    // Phosphor's icons sit on the baseline; this centres them on the letters beside them.
    let icons = FontTweak { y_offset_factor: 0.05, scale: 1.1, ..FontTweak::default() };
    add("phosphor", include_bytes!("../../../assets/icons/Phosphor.ttf"), icons);
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let family = |first: &str| {
        let own = [first.to_owned(), "phosphor".to_owned()];
        own.into_iter().chain(fallback.iter().cloned()).collect::<Vec<_>>()
    };
    fonts.families.insert(FontFamily::Proportional, family("inter"));
    fonts.families.insert(FontFamily::Name("medium".into()), family("inter-medium"));
    fonts.families.insert(FontFamily::Name("semibold".into()), family("inter-semibold"));
    fonts
}

fn style(tokens: &Tokens, base: Visuals) -> Style {
    let mut style = Style { visuals: visuals(tokens, base), text_styles: text_styles(), ..Style::default() };
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(space::S, space::S);
    spacing.button_padding = vec2(space::M, space::XS);
    spacing.interact_size = vec2(size::CONTROL, size::CONTROL);
    spacing.menu_margin = Margin::same(space::S as i8);
    spacing.window_margin = Margin::same(space::L as i8);
    spacing.scroll = ScrollStyle { bar_width: 8.0, foreground_color: false, ..ScrollStyle::floating() };
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    style
}

fn text_styles() -> BTreeMap<TextStyle, FontId> {
    let mono = FontId::monospace(12.0);
    BTreeMap::from([
        (TextStyle::Small, font::caption()),
        (TextStyle::Body, font::body()),
        (TextStyle::Button, font::button()),
        (TextStyle::Heading, font::page()),
        (TextStyle::Monospace, mono),
    ])
}

fn visuals(tokens: &Tokens, base: Visuals) -> Visuals {
    let corner = CornerRadius::same(radius::M);
    Visuals {
        widgets: widgets(tokens),
        selection: Selection { bg_fill: tokens.accent_soft, stroke: Stroke::new(1.0, tokens.accent) },
        hyperlink_color: tokens.accent,
        faint_bg_color: tokens.panel,
        extreme_bg_color: tokens.raised,
        code_bg_color: tokens.raised,
        warn_fg_color: tokens.review,
        error_fg_color: tokens.fail,
        weak_text_color: Some(tokens.muted),
        window_corner_radius: CornerRadius::same(radius::L),
        window_fill: tokens.panel,
        window_stroke: Stroke::new(1.0, tokens.line),
        window_shadow: shadow(),
        popup_shadow: shadow(),
        menu_corner_radius: corner,
        panel_fill: tokens.panel,
        ..base
    }
}

fn shadow() -> Shadow {
    Shadow { offset: [0, 6], blur: 18, spread: 0, color: Color32::from_black_alpha(70) }
}

fn widgets(tokens: &Tokens) -> Widgets {
    let of = |fill: Color32, stroke: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, stroke),
        corner_radius: CornerRadius::same(radius::M),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    Widgets {
        noninteractive: of(tokens.panel, tokens.line, tokens.text),
        inactive: of(tokens.raised, tokens.line, tokens.text),
        hovered: of(tokens.hovered, tokens.faint, tokens.text),
        active: of(tokens.hovered, tokens.accent, tokens.text),
        open: of(tokens.hovered, tokens.line, tokens.text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as WCAG 2.1 defines them.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let channel = |byte: u8| {
            let value = f32::from(byte) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let luminance = |c: Color32| 0.2126 * channel(c.r()) + 0.7152 * channel(c.g()) + 0.0722 * channel(c.b());
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[track_caller]
    fn check(what: &str, text: Color32, behind: Color32, least: f32) {
        let found = contrast(text, behind);
        assert!(found >= least, "{what}: {found:.2} is less than {least}");
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        for tokens in [&DARK, &LIGHT] {
            check("text on photos' background", tokens.text, tokens.background, 4.5);
            check("text on a button", tokens.text, tokens.raised, 4.5);
            check("text on what is chosen", tokens.text, tokens.accent_soft, 4.5);
            check("secondary text on a panel", tokens.muted, tokens.panel, 4.5);
            check("secondary text on the background", tokens.muted, tokens.background, 4.5);
            check("secondary text in a field", tokens.muted, tokens.raised, 4.5);
            check("text on the accent", tokens.on_accent, tokens.accent, 4.5);
            check("an error", tokens.fail, tokens.panel, 4.5);
        }
    }

    #[test]
    fn marks_stand_out_in_both_themes() {
        for tokens in [&DARK, &LIGHT] {
            check("the accent on the background", tokens.accent, tokens.background, 3.0);
            check("a warning on a panel", tokens.review, tokens.panel, 3.0);
            check("a decoration on a panel", tokens.faint, tokens.panel, 3.0);
        }
    }
}
