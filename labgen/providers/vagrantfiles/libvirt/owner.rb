require 'uri'

# Whose a machine is stands in its description: the folder of labs that labgen makes it from, or this very folder.
module LabOwner
  def self.description(node)
    here = File.expand_path('..', __dir__)
    marks = { lab: LAB, node: node, owner: ENV.fetch('LABGEN_OWNER', here), origin: ENV.fetch('LABGEN_ORIGIN', here) }
    marks.map { |key, value| "labgen.#{key}=#{URI.encode_www_form_component(value)}" }.join(' ')
  end
end
