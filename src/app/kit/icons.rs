//! The Phosphor icons in use, by name. The fonts in `assets/fonts` hold these and no others:
//! after adding one, subset again (`assets/fonts/README.md`).

macro_rules! icons {
    ($($name:ident = $code:literal;)*) => {
        $(
            #[doc = concat!("Phosphor `", stringify!($name), "`.")]
            pub const $name: &str = $code;
        )*
        /// Every icon with its name, for the test that the fonts hold them.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

icons! {
    ADDRESS_BOOK = "\u{E6F8}";
    ARROWS_LEFT_RIGHT = "\u{E0A0}";
    ARROW_COUNTER_CLOCKWISE = "\u{E038}";
    ARROW_DOWN = "\u{E03E}";
    ARROW_RIGHT = "\u{E06C}";
    ARROW_SQUARE_OUT = "\u{E5DE}";
    ARROW_UP = "\u{E08E}";
    BELL = "\u{E0CE}";
    BOOK_OPEN = "\u{E0E6}";
    BUILDINGS = "\u{E102}";
    CARET_DOWN = "\u{E136}";
    CARET_RIGHT = "\u{E13A}";
    CARET_UP = "\u{E13C}";
    CARET_UP_DOWN = "\u{E140}";
    CASTLE_TURRET = "\u{E9D0}";
    CERTIFICATE = "\u{E766}";
    CHART_LINE = "\u{E154}";
    CHECK = "\u{E182}";
    CHECK_CIRCLE = "\u{E184}";
    CIRCLE = "\u{E18A}";
    CIRCLE_DASHED = "\u{E602}";
    CIRCLE_NOTCH = "\u{EB44}";
    CLOCK = "\u{E19A}";
    CLOCK_COUNTER_CLOCKWISE = "\u{E1A0}";
    COINS = "\u{E78E}";
    COLUMNS = "\u{E546}";
    COMMAND = "\u{E1C4}";
    COPY = "\u{E1CA}";
    DESKTOP = "\u{E560}";
    DESKTOP_TOWER = "\u{E562}";
    DOTS_THREE = "\u{E1FE}";
    DOWNLOAD_SIMPLE = "\u{E20C}";
    EYE = "\u{E220}";
    EYE_SLASH = "\u{E224}";
    FILE_TEXT = "\u{E23A}";
    FLOW_ARROW = "\u{E6EC}";
    FUNNEL = "\u{E266}";
    GAUGE = "\u{E628}";
    GEAR_SIX = "\u{E272}";
    GLOBE = "\u{E288}";
    HARD_DRIVES = "\u{E2A0}";
    INFO = "\u{E2CE}";
    KEY = "\u{E2D6}";
    LAPTOP = "\u{E586}";
    LINK = "\u{E2E2}";
    LIST_CHECKS = "\u{EADC}";
    LIST_MAGNIFYING_GLASS = "\u{EBE0}";
    LOCK_KEY = "\u{E2FE}";
    MAGNIFYING_GLASS = "\u{E30C}";
    MINUS_CIRCLE = "\u{E32C}";
    MOON = "\u{E330}";
    NETWORK = "\u{EDDE}";
    PATH = "\u{E39C}";
    PAUSE = "\u{E39E}";
    PENCIL_SIMPLE = "\u{E3B4}";
    PLUG = "\u{E946}";
    PLUGS_CONNECTED = "\u{EB5A}";
    PLUS = "\u{E3D4}";
    PROHIBIT = "\u{E3DE}";
    PULSE = "\u{E000}";
    QUESTION = "\u{E3E8}";
    ROCKET_LAUNCH = "\u{E3FE}";
    ROWS = "\u{E5A2}";
    SCROLL = "\u{EB7A}";
    SHIELD = "\u{E40A}";
    SHIELD_CHECK = "\u{E40C}";
    SIGN_OUT = "\u{E42A}";
    SLIDERS_HORIZONTAL = "\u{E434}";
    STOP_CIRCLE = "\u{E46E}";
    SUN = "\u{E472}";
    TAG = "\u{E478}";
    TIMER = "\u{E492}";
    TRASH = "\u{E4A6}";
    TREE_STRUCTURE = "\u{E67C}";
    USER = "\u{E4C2}";
    USERS = "\u{E4D6}";
    USERS_THREE = "\u{E68E}";
    USER_PLUS = "\u{E4D0}";
    WARNING = "\u{E4E0}";
    WARNING_CIRCLE = "\u{E4E2}";
    X = "\u{E4F6}";
    X_CIRCLE = "\u{E4F8}";
}
