// An answer that is posted to an application: the form is sent by itself. Without a script there is its button.
"use strict";

document.querySelector("form[data-post]").submit();
