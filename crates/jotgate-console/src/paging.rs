//! A list that is cut into pages. `parts/pages.html` shows the way from one to the next.

/// Rows of a page.
pub(crate) const PER_PAGE: usize = 50;

/// Where somebody is in a list.
#[derive(Clone)]
pub(crate) struct Pages {
    /// The number of this page, from 1, and of the last one.
    pub(crate) page: usize,
    pub(crate) last: usize,
    /// How many there are on all pages.
    pub(crate) count: usize,
    list: String,
}

impl Pages {
    /// `list` is the address of the list with its filter, `asked` the page that somebody wants: the
    /// nearest one there is.
    pub(crate) fn new(count: usize, asked: &str, list: String) -> Self {
        let last = count.div_ceil(PER_PAGE).max(1);
        let page = asked.parse().unwrap_or(1);
        Self {
            page: page.clamp(1, last),
            last,
            count,
            list,
        }
    }

    /// How many rows come before this page.
    pub(crate) const fn before(&self) -> usize {
        (self.page - 1) * PER_PAGE
    }

    /// The rows of this page.
    pub(crate) fn cut<T>(&self, all: impl IntoIterator<Item = T>) -> Vec<T> {
        let rest = all.into_iter().skip(self.before());
        rest.take(PER_PAGE).collect()
    }

    /// The address of another page.
    pub(crate) fn address(&self, page: usize) -> String {
        let mark = if self.list.contains('?') { '&' } else { '?' };
        format!("{}{mark}page={page}", self.list)
    }
}

/// An address with those parameters that are not empty.
pub(crate) fn with_query(address: String, parameters: &[(&str, &str)]) -> String {
    let said: Vec<_> = parameters.iter().filter(|(_, v)| !v.is_empty()).collect();
    if said.is_empty() {
        return address;
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in said {
        query.append_pair(name, value);
    }
    format!("{address}?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_one_page_whatever_is_asked() {
        let page = |asked| {
            let pages = Pages::new(101, asked, "/list".to_owned());
            (pages.page, pages.last, pages.cut(0..101).len())
        };
        assert_eq!(page(""), (1, 3, 50));
        assert_eq!(page("2"), (2, 3, 50));
        assert_eq!(page("3"), (3, 3, 1));
        assert_eq!(page("0"), (1, 3, 50));
        assert_eq!(page("99999999999999999999999"), (1, 3, 50));
        assert_eq!(page("400"), (3, 3, 1));
        assert_eq!(Pages::new(0, "7", String::new()).last, 1);
    }

    #[test]
    fn addresses_keep_the_filter() {
        let list = with_query("/list".to_owned(), &[("user", "a&b"), ("at", "")]);
        assert_eq!(list, "/list?user=a%26b");
        let pages = Pages::new(51, "", list);
        assert_eq!(pages.address(2), "/list?user=a%26b&page=2");
        assert_eq!(with_query("/list".to_owned(), &[("at", "")]), "/list");
    }
}
