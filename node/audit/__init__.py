"""`dcn verify`: replays a whole store from genesis and names everything that does not fit."""
