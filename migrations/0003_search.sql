-- Finding messages by their words, in Chinese too. The index holds no text: `grams` are made of it in
-- Rust (src/domain/grams.rs) and only their places are kept. The job `index` takes messages in, in the
-- order of their ids, those without words too; so its highest rowid tells how far it has come.
-- Our grams are apart by spaces and folded already: `ascii` leaves everything else as it is.
CREATE VIRTUAL TABLE message_search USING fts5 (
    grams,                                      -- rowid = message.id
    content = '', contentless_delete = 1, tokenize = 'ascii'
);

-- No word is found that was deleted, whoever deleted it. A message's text is never replaced by another.
CREATE TRIGGER message_deleted AFTER DELETE ON message BEGIN
    DELETE FROM message_search WHERE rowid = old.id;
END;
CREATE TRIGGER message_text_deleted AFTER UPDATE OF text ON message WHEN new.text IS NULL BEGIN
    DELETE FROM message_search WHERE rowid = old.id;
END;
