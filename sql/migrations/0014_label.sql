-- What a request was about, in the operator's words: a search term, a page, an experiment.

alter table usage_event add column label text collate "C";
