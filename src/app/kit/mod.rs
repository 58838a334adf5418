//! Tokens, fonts, icons and widgets: the only place with colours and sizes.
