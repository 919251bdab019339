//! Enums that are one of a few words, each with its word written once.

/// Declares such an enum; with an option's name in parentheses, also how the option is read.
macro_rules! words {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word for it, the same in every language.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }
    };
    ($(#[$about:meta])* pub enum $name:ident ($option:literal) { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $crate::words::words! { $(#[$about])* pub enum $name { $($(#[$doc])* $variant = $word,)+ } }

        impl $name {
            /// Reads one of the words.
            ///
            /// # Errors
            /// `CONFIG` for any other.
            pub fn parse(text: &str) -> $crate::error::Result<Self> {
                let found = Self::ALL.iter().copied().find(|known| known.as_str() == text);
                found.ok_or_else(|| {
                    let known = [$(concat!("`", $word, "`")),+].join(" or ");
                    $crate::error::Error::config($option, format!("is `{text}`: write {known}"))
                })
            }
        }
    };
}

pub(crate) use words;
