package Tollgate::Llm;

# Answers of language models as their APIs give them, and what each has used:
# tokens of input that were not cached, cached ones, and of output.

use strict;
use warnings;

# name => [media type, body, tokens]
our %samples = (
    'chat' => ['application/json', <<'JSON', '15 4 10'],
{"id":"chatcmpl-B9MBs","object":"chat.completion","created":1741569952,
"model":"small","choices":[{"index":0,"message":{"role":"assistant",
"content":"Say \"usage\": {\"prompt_tokens\": 7}?","refusal":null},
"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":10,
"total_tokens":29,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},
"completion_tokens_details":{"reasoning_tokens":3}},"service_tier":"default"}
JSON

    'chat-stream' => ['text/event-stream', <<'SSE' =~ s/\n/\r\n/gr, '15 4 2'],
: comment

data: {"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}

data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hello"}}],"usage":null}

data: {"id":"c1","choices":[{"index":0,"delta":{"content":" w\u00f6rld"}}],"usage":null}

data: {"id":"c1","choices":[],
data: "usage":{"prompt_tokens":19,"completion_tokens":2,"total_tokens":21,
data: "prompt_tokens_details":{"cached_tokens":4}}}

data: [DONE]

SSE

    'responses' => ['application/json; charset=utf-8', <<'JSON', '30 6 87'],
{"id":"resp_67cc","object":"response","error":null,"output":[{"type":"message",
"content":[{"type":"output_text","text":"Once upon a time"}]}],
"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":6},
"output_tokens":87,"total_tokens":123}}
JSON

    'responses-stream' => ['text/event-stream', <<'SSE' =~ s/\n/\r/gr, '37 0 11'],
event: response.created
data: {"type":"response.created","response":{"id":"r1","usage":null}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","delta":"Hi there, friend"}

event: response.completed
data: {"type":"response.completed","response":{"id":"r1","error":null,"usage":{"input_tokens":37,"input_tokens_details":{"cached_tokens":0},"output_tokens":11,"total_tokens":48}}}

SSE

    'messages' => ['application/json', <<'JSON', '2105 100 503'],
{"id":"msg_013","type":"message","role":"assistant","content":[{"type":"text",
"text":"Hi! My name is Claude."}],"stop_reason":"end_turn","usage":
{"input_tokens":2095,"cache_creation_input_tokens":10,
"cache_read_input_tokens":100,"output_tokens":503}}
JSON

    'messages-stream' => ['text/event-stream; charset=utf-8', <<'SSE', '25 8 15'],
event: message_start
data: {"type":"message_start","message":{"id":"msg_1","role":"assistant","content":[],"usage":{"input_tokens":25,"cache_read_input_tokens":8,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello!"}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

SSE
);

# The head and the body of a sample as HTTP/1.0 would send it.
sub answer {
    my ($name, @headers) = @_;

    my ($type, $body) = @{ $samples{$name} };
    return (join('', map { "$_\r\n" } 'HTTP/1.0 200 OK',
                 "Content-Type: $type", @headers, ''), $body);
}

1;
