-- Users are looked for and listed by parts of their names, without the case of ASCII letters. Some
-- comparisons take the Kelvin sign for a k, so it is one here.
CREATE INDEX users_by_directory ON users (lower(replace(directory, 'K', 'k')), key);
CREATE INDEX users_by_user_id ON users (lower(replace(user_id, 'K', 'k')), key);
CREATE INDEX users_by_name ON users (lower(replace(name, 'K', 'k')), key);
