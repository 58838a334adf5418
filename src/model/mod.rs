//! The nouns of the product and the commands that change them.
