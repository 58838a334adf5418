//! Routes and authorization rules of one endpoint, compiled: may this packet pass, and why?
